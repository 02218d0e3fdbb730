// Package fetch is the one place that decides which addresses a plugin may
// talk to when a user typed the URL or the host, and that downloads it.
//
// A plugin runs inside an operator's network, often next to databases, to
// Dify's own services and to a cloud's metadata service, which hands
// credentials to whoever asks from the right machine. A user who may type a
// URL must not be able to borrow that position (server-side request forgery).
// So every host falls into one of three groups:
//
//   - Hosts that the operator or the program chose: Dify's own origins as the
//     environment names them, and a cloud's official hosts. They are connected
//     to as they are.
//   - Public addresses. Anybody may reach them, so the plugin may too.
//   - Everything else: loopback, private, shared and reserved ranges. They are
//     refused unless the operator lists them. Link-local addresses, cloud
//     metadata services, multicast and unspecified addresses are refused even
//     then.
//
// # Where the check happens
//
// A host name says nothing about an address, and it may resolve differently a
// moment later. A name is therefore resolved once per connection, every
// address of the answer is checked, and the connection goes to exactly these
// addresses; the socket checks its address once more before the first packet
// leaves. Behind an HTTP proxy it is the proxy that resolves, so there the
// check can only come first: the name is resolved here, every address must be
// permitted, and then the proxy is asked. Redirects are followed by hand, and
// each target passes the same checks as if the user had typed it.
//
// # How the code is laid out
//
// target.go and host.go read what a user typed and give every host one
// spelling. address.go knows the special-purpose address ranges, allow.go the
// operator's lists, policy.go combines the two. dial.go connects, pool.go
// chooses between the checked, the unchecked and the proxied way, get.go,
// post.go and transport.go are the three ways in.
package fetch
