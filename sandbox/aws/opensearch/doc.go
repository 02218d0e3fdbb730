// Package opensearch is a stand-in for Amazon OpenSearch: the k-NN search of managed domains and of OpenSearch
// Serverless, as strict as the real ones.
//
//	search := opensearch.New()
//	cloud.Register("es", search)
//	cloud.Register("aoss", search)
//	search.Add(opensearch.Index{Host: "search-pictures-abc.us-east-1.es.amazonaws.com", Name: "pictures",
//		Vector: "pic_emb", Dimension: 1024, Documents: documents})
//
// A search is exact: every document is compared, by the distance of its vector. Filters are term, terms, range, bool and
// match_all. Collections of OpenSearch Serverless demand a signed X-Amz-Content-Sha256 that fits the body, and refuse a
// signed Content-Length. Errors are written as OpenSearch writes them.
package opensearch
