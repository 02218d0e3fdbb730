// Package sfn is a stand-in for AWS Step Functions: StartExecution, StartSyncExecution and DescribeExecution, as strict as
// the real ones, for state machines that are written in Go.
//
//	machines := sfn.New()
//	machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: "123456789012", Name: "orders", Takes: time.Minute})
//	cloud.Register("states", machines)
//
// It checks ARNs, names, inputs and trace headers, and knows what differs between STANDARD and EXPRESS state machines:
// which are idempotent, which can be looked up, and which can be waited for. An execution runs for as long as its state
// machine takes by the clock of package time, or until [Service.Finish].
//
// StartSyncExecution has a host of its own, sync-states.REGION.amazonaws.com, which has to lead to this service too.
package sfn
