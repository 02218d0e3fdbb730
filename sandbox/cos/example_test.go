package cos_test

import (
	"encoding/xml"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

// A store is filled, mounted in a sandbox, and listed by a plain HTTP client
// whose requests Tencent's SDK signs.
func Example() {
	store, err := cos.New("")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	key := cos.Key{SecretID: "AKIDexample", SecretKey: "exampleSecret"}
	if err := store.AddAccount(cos.Account{AppID: "1250000000", Keys: []cos.Key{key}}); err != nil {
		log.Fatal(err)
	}
	bucket, err := store.CreateBucket("1250000000", "documents", "ap-guangzhou")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"报告/2025.pdf", "notes.md"} {
		if err := store.Put(bucket, name, strings.NewReader("..."), cos.Meta{}); err != nil {
			log.Fatal(err)
		}
	}

	sb, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	for _, pattern := range store.HostPatterns() {
		if err := sb.Handle(pattern, store); err != nil {
			log.Fatal(err)
		}
	}

	request, err := http.NewRequest(http.MethodGet, "https://"+bucket+".cos.ap-guangzhou.myqcloud.com/?delimiter=%2F", nil)
	if err != nil {
		log.Fatal(err)
	}
	sdk.AddAuthorizationHeader(key.SecretID, key.SecretKey, key.SessionToken, request, sdk.NewAuthTime(time.Hour))
	transport := sb.Transport()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var list struct {
		Folders []string `xml:"CommonPrefixes>Prefix"`
		Files   []string `xml:"Contents>Key"`
	}
	if err := xml.NewDecoder(response.Body).Decode(&list); err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status, list.Folders, list.Files)
	// Output: 200 OK [报告/] [notes.md]
}
