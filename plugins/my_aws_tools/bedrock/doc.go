// Package bedrock holds the tools over the knowledge bases of Amazon Bedrock: those that list knowledge bases and their
// data sources, bring a data source up to date, search a knowledge base, and let a model answer from it.
//
// # Two services
//
// What a knowledge base is made of belongs to the service bedrock-agent; asking it something belongs to
// bedrock-agent-runtime. Both are called in the region of the knowledge base: that of its ARN where one was given, else
// that of the account.
//
// # What comes back
//
// A passage that a knowledge base has found can be text, an image, a row of a database, or a piece of sound or film, and
// come from a bucket, a website or any of a dozen other places. Each is shown with what AWS says about it and nothing
// else: what AWS leaves out is null. A passage that is odd in some way is shown as far as it goes, and the others with it.
//
// # Configurations
//
// bedrock_retrieve_and_generate takes configurations as JSON, in the words of the API. They are read into the types of
// the AWS SDK, see [decoder], so that a misspelt or misplaced name is an error with its place before anything is sent,
// and not a setting that silently does nothing.
package bedrock
