package dynamodb

import (
	_ "embed"
	"slices"
	"strings"
)

// reservedWords are the words that need a placeholder in expressions, after "Reserved words in DynamoDB" in the
// DynamoDB Developer Guide, sorted.
//
//go:embed reserved.txt
var reservedWords string

func isReserved(word string) bool {
	_, found := slices.BinarySearch(strings.Fields(reservedWords), strings.ToUpper(word))
	return found
}
