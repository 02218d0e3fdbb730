// Package dynamodb is a stand-in for Amazon DynamoDB that lives in memory: tables with their keys and indexes, items
// of all types, conditions, updates, projections, filters and pages, with the checks, the error messages and the
// checksums of the real service. Register it with a cloud of package aws, which verifies signatures and permissions:
//
//	cloud := aws.New()
//	cloud.Register("dynamodb", dynamodb.New(dynamodb.Creating(time.Second)))
//
// It knows CreateTable, DescribeTable, PutItem, GetItem, UpdateItem, DeleteItem, Query and Scan. Each account has its
// own tables in each region. Reads are always consistent, tables are never billed, and indexes project all attributes.
//
// What the real service refuses is refused here: keys of the wrong type, empty key values, numbers of more than 38
// digits, empty sets, reserved words in expressions, placeholders that are undefined or unused, items above 400 KB,
// overlapping paths of an update, tables that are not ready. Parameters that it does not know are refused as well,
// so that a client which sends them does not pass its tests by mistake.
package dynamodb
