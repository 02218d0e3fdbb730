// Package browser holds the two tools over the browsers of Amazon Bedrock AgentCore: agentcore-browser-session-manager
// starts and stops a browser that runs at AWS, and agentcore-browser-tool drives it.
//
// # Who finds the browser again
//
// The two tools run as separate nodes of a workflow, perhaps in two processes. What connects them is a session ID and a
// parameter in the Parameter Store of the user's own account, /browser-session/ID. It is a SecureString that holds the
// session ID, the address of the browser's WebSocket, the headers of its handshake and the time at which the session
// ends, and nothing else. It has an Expiration policy for that time; closing a session deletes it; and starting a
// session sweeps out those whose time is over. See type record.
//
// The headers are there for other readers of such parameters. Their signature is good for minutes, while a session
// lasts hours, so that this package signs again whenever it connects, with the keys of the call.
//
// # The connection
//
// A browser speaks the Chrome DevTools Protocol. A tab is the page that the browser shows already; no second one is
// opened, and the document is not mirrored: what a tool wants to know it asks in one short script. A connection is kept
// in memory for some minutes after a call, under a keyed hash of the whole credentials, the region and the session. It
// is closed when the session is closed or has expired, or nobody uses it. See type connections. Nothing depends on it:
// any other process with the same credentials connects anew.
//
// # Where the browser goes
//
// The browser opens http and https only. The URL of a call is checked, and so is the address that the page has after
// every step, since pages send browsers elsewhere. Link-local addresses and the metadata services of clouds are refused
// in the URL of a call and in every request of the page and of its frames, with redirects, as far as the address stands
// in the URL. The browser runs in AWS's network, not in the plugin's: which private addresses it reaches is decided there.
//
// Dialogs are answered so that they hold nothing up, windows that a page opens are closed, downloads are refused. All
// three are reported in the output notices.
package browser
