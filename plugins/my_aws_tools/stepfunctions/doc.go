// Package stepfunctions holds the tool that starts executions of AWS Step Functions state machines and waits for them.
//
// # Once
//
// An execution does something in the world. A request to start one is sent again only where AWS has answered that it
// was throttled, and never because an answer was late or lost. With a name of the user's, AWS itself sees to it that a
// STANDARD state machine starts an execution once.
//
// # Waiting
//
// Executions of STANDARD state machines are looked up, at first after a second and then less and less often, until they
// have ended. When the time of the call is up first, the error says under which ARN the execution goes on and how to
// pick it up. Executions of EXPRESS state machines cannot be looked up: those that are waited for are started by
// StartSyncExecution, whose answer is the result.
package stepfunctions
