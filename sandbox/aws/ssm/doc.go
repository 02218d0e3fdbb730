// Package ssm is a stand-in for the Parameter Store of AWS Systems Manager: PutParameter, GetParameter, DeleteParameter
// and DescribeParameters, as strict as the real ones.
//
//	store := ssm.New()
//	cloud.Register("ssm", store)
//
// Parameters belong to an account and a region. It knows the tiers and what a value may measure in them, which only
// advanced parameters may have a policy, and the Expiration policy, which removes a parameter at its time by the clock
// of the store. The value of a SecureString is shown only to requests that ask for it decrypted.
package ssm
