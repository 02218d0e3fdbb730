// Package media holds the tools that work on pictures and films without AWS: [ExtractFrame] takes pictures out of an
// animated GIF.
//
// Everything happens in memory and in the course of one call. Nothing is written to disk, nothing is kept, and nothing is
// shared with another call but the count of the memory in use.
package media
