// Package sandbox puts cloud services on one machine, under their real host
// names, so that a program which talks to them runs unchanged.
//
// A [Sandbox] is an HTTPS forward proxy that listens on the loopback interface
// and owns a throw-away certificate authority. A program is pointed at it by
// nothing but its environment: HTTPS_PROXY names the proxy and SSL_CERT_FILE
// names the authority ([Sandbox.Environ] returns both and their usual aliases).
// When the program opens a tunnel to, say,
// documents-1250000000.cos.ap-guangzhou.myqcloud.com:443, the sandbox ends the
// tunnel itself, presents a certificate for exactly that host, and hands the
// decrypted request to the [http.Handler] that was registered for it. TLS, host
// names, regions and request signatures are therefore the real ones; only the
// service behind them is not.
//
// Nothing ever leaves the machine. A host that no handler was registered for is
// refused when the tunnel is opened, and so is every plain http:// request;
// [Sandbox.Refused] lists both, so that a test can prove that a program talks
// to nobody else and never without TLS. [Sandbox.Requests] lists what did get
// through.
//
// Connections speak HTTP/1.1 only. A handler may therefore use
// [http.ResponseController] to hijack its connection and cut it, and the stand-ins
// in the sub-packages do so to imitate networks that fail.
//
// Programs written in Go never use a proxy for localhost or 127.0.0.1, whatever
// the environment says; register services under real names only.
package sandbox
