// Package sample fills a COS stand-in with a small world to try a drive on:
// buckets in three regions, nested folders with Chinese names, documents that
// really open, and the special cases that a drive meets sooner or later, each
// where its folder's name says so.
//
//	documents  ap-guangzhou  reports as PDF, notes, tables, odd names, one object
//	                         stored with Content-Encoding gzip, one archived
//	photos     ap-shanghai   pictures, and a folder of 260 entries to page through
//	backups    ap-singapore  an object of 64 MiB
//	empty      ap-singapore  nothing
//
// Everything is made in code and is the same each time. The keys that [Fill]
// returns are no secrets: they open nothing but the stand-in.
package sample
