package bedrockagent

import (
	"fmt"
	"strings"
	"time"
)

// KnowledgeBase is a knowledge base and where its content comes from.
type KnowledgeBase struct {
	// Region and AccountID say where it is.
	Region, AccountID string
	// ID has ten letters and digits.
	ID, Name, Description string
	// Status is ACTIVE when it is left empty.
	Status      string
	UpdatedAt   time.Time
	DataSources []DataSource
}

// ARN is the name of the knowledge base in policies.
func (k KnowledgeBase) ARN() string { return arn(k.Region, k.AccountID, k.ID) }

func arn(region, account, id string) string {
	partition := "aws"
	if strings.HasPrefix(region, "cn-") {
		partition = "aws-cn"
	}
	return fmt.Sprintf("arn:%s:bedrock:%s:%s:knowledge-base/%s", partition, region, account, id)
}

// DataSource is where a knowledge base takes content from, and how its ingestion jobs go.
type DataSource struct {
	// ID has ten letters and digits.
	ID, Name, Description string
	// Status is AVAILABLE when it is left empty.
	Status    string
	UpdatedAt time.Time
	// Takes is how long an ingestion job runs. A negative time is for ever, until [Service.Finish].
	Takes time.Duration
	// Ends is how its jobs end.
	Ends Outcome
	// Lag is how many times GetIngestionJob does not know a job that was just started.
	Lag int
}

// Outcome is how an ingestion job has ended.
type Outcome struct {
	// Status is COMPLETE when it is left empty, or one of FAILED and STOPPED.
	Status         string
	FailureReasons []string
	// Statistics are counts by the names of the API, such as numberOfDocumentsScanned; those that are missing are 0.
	Statistics map[string]int
}

// Job is an ingestion job that was started.
type Job struct {
	ID, KnowledgeBaseID, DataSourceID string
	Region, AccountID                 string
	Description, ClientToken          string
	Started                           time.Time

	ends    time.Time // zero for never
	end     Outcome   // what is to come
	outcome *Outcome  // once it is certain
	lag     int
}

// settle ends a job whose time is over.
func (j *Job) settle(now time.Time) {
	if j.outcome == nil && !j.ends.IsZero() && !now.Before(j.ends) {
		j.outcome = &j.end
	}
}

// counts are the names of the statistics.
func counts() []string {
	return []string{
		"numberOfDocumentsScanned", "numberOfMetadataDocumentsScanned", "numberOfNewDocumentsIndexed", "numberOfModifiedDocumentsIndexed",
		"numberOfMetadataDocumentsModified", "numberOfDocumentsDeleted", "numberOfDocumentsFailed", "numberOfDocumentsSkipped",
	}
}

// shown is a job as the API shows it.
func (j *Job) shown() map[string]any {
	object := map[string]any{
		"knowledgeBaseId": j.KnowledgeBaseID, "dataSourceId": j.DataSourceID, "ingestionJobId": j.ID, "status": "IN_PROGRESS",
		"startedAt": stamp(j.Started), "updatedAt": stamp(j.Started),
	}
	if j.Description != "" {
		object["description"] = j.Description
	}
	statistics := map[string]int{}
	for _, name := range counts() {
		statistics[name] = 0
	}
	object["statistics"] = statistics
	if j.outcome == nil {
		return object
	}
	for name, n := range j.outcome.Statistics {
		statistics[name] = n
	}
	object["status"], object["updatedAt"] = j.outcome.Status, stamp(j.ends)
	if len(j.outcome.FailureReasons) > 0 {
		object["failureReasons"] = j.outcome.FailureReasons
	}
	return object
}

// stamp is a time as the API writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }
