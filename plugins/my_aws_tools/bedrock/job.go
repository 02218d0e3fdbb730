package bedrock

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// job is what is known of an ingestion job.
type job struct{ *types.IngestionJob }

func (j job) id() string { return aws.ToString(j.IngestionJobId) }

// reasons are the sentences that AWS gives for failures. It may write several as one text that is a JSON array.
func (j job) reasons() []string {
	all := []string{}
	for _, reason := range j.FailureReasons {
		var several []string
		if json.Unmarshal([]byte(reason), &several) == nil {
			all = append(all, several...)
			continue
		}
		all = append(all, reason)
	}
	return all
}

// statistics are the counts of documents, or nil where AWS has not begun to count.
func (j job) statistics() any {
	s := j.Statistics
	if s == nil {
		return nil
	}
	return map[string]any{
		"numberOfDocumentsScanned": s.NumberOfDocumentsScanned, "numberOfMetadataDocumentsScanned": s.NumberOfMetadataDocumentsScanned,
		"numberOfNewDocumentsIndexed": s.NumberOfNewDocumentsIndexed, "numberOfModifiedDocumentsIndexed": s.NumberOfModifiedDocumentsIndexed,
		"numberOfMetadataDocumentsModified": s.NumberOfMetadataDocumentsModified, "numberOfDocumentsDeleted": s.NumberOfDocumentsDeleted,
		"numberOfDocumentsFailed": s.NumberOfDocumentsFailed, "numberOfDocumentsSkipped": s.NumberOfDocumentsSkipped,
	}
}

// object is the job under the names of the API.
func (j job) object() map[string]any {
	return map[string]any{
		"knowledgeBaseId": j.KnowledgeBaseId, "dataSourceId": j.DataSourceId, "ingestionJobId": j.IngestionJobId, "description": j.Description,
		"status": string(j.Status), "startedAt": result.Time(j.StartedAt), "updatedAt": result.Time(j.UpdatedAt), "statistics": j.statistics(),
		"failureReasons": j.reasons(),
	}
}

// send sends what is known.
func (j job) send(call *plugin.Call) error {
	base, source := aws.ToString(j.KnowledgeBaseId), aws.ToString(j.DataSourceId)
	err := call.JSON(map[string]any{"knowledge_base_id": base, "data_source_id": source, "ingestion_job": j.object()})
	if err != nil {
		return fmt.Errorf("send the ingestion job %s: %w", j.id(), err)
	}
	if err := call.Text(j.sentence()); err != nil {
		return err
	}
	return result.Outputs{
		"knowledge_base_id": base, "data_source_id": source, "ingestion_job": j.object(), "ingestion_job_id": j.id(), "status": string(j.Status),
		"started_at": result.Time(j.StartedAt), "updated_at": result.Time(j.UpdatedAt), "statistics": j.statistics(), "failure_reasons": j.reasons(),
	}.Send(call)
}

// sentence names the job and its status and, at its end, what became of the documents.
func (j job) sentence() string {
	text := fmt.Sprintf("Ingestion job %s: %s", j.id(), j.Status)
	if s := j.Statistics; s != nil && j.hasEnded() {
		text += fmt.Sprintf(" (%d scanned, %d new, %d changed, %d deleted, %d failed)", s.NumberOfDocumentsScanned, s.NumberOfNewDocumentsIndexed,
			s.NumberOfModifiedDocumentsIndexed, s.NumberOfDocumentsDeleted, s.NumberOfDocumentsFailed)
	}
	return text
}
