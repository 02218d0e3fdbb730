// Package browser is a stand-in for the browsers of Amazon Bedrock AgentCore: StartBrowserSession, StopBrowserSession,
// GetBrowserSession and the automation stream of a session, behind which a real Chromium answers.
//
//	chromium := browser.NewChromium()
//	defer chromium.Close()
//	browsers := browser.New(chromium)
//	cloud.Register("bedrock-agentcore", browsers)
//
// A session has a time limit, and is a window of its own in the one Chromium: it shares no pages, cookies or storage with
// the others and does not see them. The signature of a stream's WebSocket handshake is checked like that of any other
// request.
//
// Without a Chromium sessions can be started and stopped, but streams answer with an error. [Require] skips tests on
// machines that have none.
package browser
