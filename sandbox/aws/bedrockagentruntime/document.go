package bedrockagentruntime

import (
	"fmt"
	"strings"
)

// KnowledgeBase is a knowledge base and what it holds.
type KnowledgeBase struct {
	// Region and AccountID say where it is.
	Region, AccountID string
	// ID has ten letters and digits.
	ID        string
	Documents []Document
	// NoSearchType makes it refuse a type of search, as knowledge bases do whose store has just one.
	NoSearchType bool
}

func arn(region, account, id string) string {
	return fmt.Sprintf("arn:%s:bedrock:%s:%s:knowledge-base/%s", partition(region), region, account, id)
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// Document is a piece of content as the API shows it: what is nil is left out. Location and content are objects with the
// names of the API.
type Document struct {
	ID                string
	Content, Location map[string]any
	Metadata          map[string]any
	// Score is a number, or one of the texts that stand for numbers which JSON has not.
	Score any
}

// Text is a document in S3 that is a text.
func Text(text, uri string, metadata map[string]any) Document {
	return Document{
		Content:  map[string]any{"type": "TEXT", "text": text},
		Location: map[string]any{"type": "S3", "s3Location": map[string]any{"uri": uri}},
		Metadata: metadata, Score: 0.5,
	}
}

// shown is a document in an answer; the references of a generated answer have no score and no ID.
func (d Document) shown(asReference bool) map[string]any {
	object := map[string]any{}
	for name, part := range map[string]map[string]any{"content": d.Content, "location": d.Location, "metadata": d.Metadata} {
		if part != nil {
			object[name] = part
		}
	}
	if d.Score != nil && !asReference {
		object["score"] = d.Score
	}
	if d.ID != "" && !asReference {
		object["documentId"] = d.ID
	}
	return object
}

// Guardrail intervenes where a text holds a word.
type Guardrail struct{ ID, Version, Word string }

// Question is what a model is asked.
type Question struct {
	Text, ModelARN, Session string
	// Turn counts the questions of the session, from 1.
	Turn int
	// Documents are what was found in the knowledge base; with external sources there are none.
	Documents []Document
}

// Answer is what a model answers.
type Answer struct {
	Text      string
	Citations []Citation
}

// Citation is a part of an answer and what it rests on.
type Citation struct {
	Text      string
	Documents []Document
}

// echo answers with the question, and cites all that was found.
func echo(q Question) Answer {
	text := fmt.Sprintf("Answer %d to: %s", q.Turn, q.Text)
	if len(q.Documents) == 0 {
		return Answer{Text: text}
	}
	return Answer{Text: text, Citations: []Citation{{Text: text, Documents: q.Documents}}}
}
