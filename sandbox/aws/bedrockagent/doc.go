// Package bedrockagent is a stand-in for the part of Amazon Bedrock that knows what knowledge bases are made of:
// ListKnowledgeBases, ListDataSources, StartIngestionJob and GetIngestionJob, as strict as the real ones.
//
//	bases := bedrockagent.New()
//	bases.Add(bedrockagent.KnowledgeBase{
//		Region: "us-east-1", AccountID: "123456789012", ID: "KB12345678", Name: "handbook",
//		DataSources: []bedrockagent.DataSource{{ID: "DS12345678", Name: "files", Takes: time.Minute}},
//	})
//	cloud.Register("bedrock-agent", bases)
//
// It checks IDs, tokens and sizes, pages its lists, and lets a data source have one ingestion job at a time. A job runs
// for as long as its data source takes by the clock of package time, or until [Service.Finish].
package bedrockagent
