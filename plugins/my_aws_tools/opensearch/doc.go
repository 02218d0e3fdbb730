// Package opensearch holds the tool that finds documents by meaning in Amazon OpenSearch: [Retrieve] has a model of
// Amazon Bedrock turn a text or an image into a vector, and searches an index for the nearest ones.
//
// # Where to
//
// Searches go to a domain of Amazon OpenSearch Service or a collection of OpenSearch Serverless; which of them a host is
// stands in its name, and requests are signed for the one or the other. A user types the host, and a signed request
// tells its receiver what is looked for and by whom: a host that is not of AWS is refused, unless the operator has
// listed it.
//
// # Signatures
//
// OpenSearch Serverless refuses a signature over the length of a body, and demands one over its hash in a header. Both
// are right for domains, too, so that all requests are signed in that way. The API of OpenSearch is none of the AWS
// SDK's: its requests are made here, over the connections of package account, and repeated under the SDK's rules.
package opensearch
