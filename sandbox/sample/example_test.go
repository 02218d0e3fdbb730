package sample_test

import (
	"fmt"
	"log"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/cloudplugins/difyplugin/sandbox/sample"
)

func Example() {
	store, err := cos.New("")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	account, err := sample.Fill(store)
	if err != nil {
		log.Fatal(err)
	}
	meta, size, err := store.Stat(account.Backups, "large/backup-64MiB.bin")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Region, account.Documents)
	fmt.Println(size>>20, "MiB", meta.ContentType)
	// Output:
	// ap-guangzhou documents-1250000000
	// 64 MiB application/octet-stream
}
