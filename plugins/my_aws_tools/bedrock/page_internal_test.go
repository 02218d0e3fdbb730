package bedrock

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAListWithoutAnEndIsCutAndCanBeContinued(t *testing.T) {
	asked := 0
	all, next, err := gather(page{}, func(p page) ([]int, *string, error) {
		asked++
		return []int{asked}, aws.String(strconv.Itoa(asked)), nil
	})
	if err != nil || len(all) != maxPages || next != strconv.Itoa(maxPages) {
		t.Errorf("%d entries, then %q, %v", len(all), next, err)
	}
}

func TestAListThatGoesInCirclesIsAnError(t *testing.T) {
	asked := 0
	_, _, err := gather(page{}, func(page) ([]int, *string, error) {
		asked++
		return []int{1}, aws.String("again"), nil
	})
	if err == nil || !strings.Contains(err.Error(), "again and again") || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestSection3_7Bug2_NamesWithCommasStayInTheirColumn(t *testing.T) {
	text, err := table([][]string{{"KB1", `a, "b"`, "ACTIVE"}})
	if want := `KB1,"a, ""b""",ACTIVE`; err != nil || text != want {
		t.Errorf("got %q, %v; want %q", text, err, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[a-z ,"\n]{1,12}`)
		rows := [][]string{{cell.Draw(t, "a"), cell.Draw(t, "b")}, {cell.Draw(t, "c"), cell.Draw(t, "d")}}
		text, err := table(rows)
		if err != nil {
			t.Fatal(err)
		}
		again, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || !cmp.Equal(rows, again) {
			t.Fatalf("%q became %q, %v", rows, again, err)
		}
	})
}
