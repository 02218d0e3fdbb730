// Package e2e holds no code: its tests install packages in a real plugin daemon of Dify's and use them there.
//
// They run when DIFY_DAEMON_URL names one, for example http://127.0.0.1:5002, and need this around it:
//
//   - DIFY_DAEMON_KEY is its SERVER_KEY, "testkey" when unset. The daemon runs with FORCE_VERIFYING_SIGNATURE=false.
//   - Its DIFY_INNER_API_URL is http://DIFY_INNER_API_ADDR; the test listens there, 127.0.0.1:5001 when unset, as a
//     small stand-in for the API service of Dify.
//   - Its environment has the variables that "difyplugin run -serve" prints, so that plugins find Tencent COS on this machine.
//   - The test has these variables too, for the plugin that it starts itself to be debugged.
//   - Its remote debugging listens at DIFY_DEBUG_ADDR, 127.0.0.1:5003 when unset.
//
// Its network should be cut: an install must not need one.
package e2e
