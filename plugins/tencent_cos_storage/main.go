// The plugin tencent_cos_storage is an online drive for Dify over Tencent Cloud Object Storage (COS).
//
// It lists buckets, folders and files, and hands files of any size to Dify. It reads, and never writes. A request
// goes this way:
//
//	drive.go      what Dify asks for: check credentials, browse, download
//	account.go    credentials -> checked settings; endpoint.go knows the hosts
//	locate.go     which region a bucket lives in; regions.go remembers it for minutes
//	client.go     a COS client for one request, on connections that all requests share; guard.go and retry.go
//	              bound how long it waits and how much it reads
//	listing.go    COS's answers -> entries and cursors
//	download.go   an object -> a file; body.go reads it, resumes it and checks it
//	errors.go     COS's error codes -> sentences
//
// One process serves every user of every workspace. Credentials come with a request and go with it.
package main

import (
	"embed"

	"github.com/cloudplugins/difyplugin/plugin"
)

// The declarations that Dify reads: names, labels, icon, the privacy policy that the manifest points to.
//
//go:embed manifest.yaml PRIVACY.md provider/*.yaml datasources/*.yaml all:_assets
var declarations embed.FS

func main() {
	plugin.Main(declarations, plugin.Drive("tencent_cos_storage", newDrive(plugin.Transport)))
}
