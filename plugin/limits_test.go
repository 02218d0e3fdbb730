package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimitsAreTheHosts(t *testing.T) {
	standard := limits{line: 5_242_879, toolFile: 30 << 20, call: 600 * time.Second, links: true}
	with := func(change func(l *limits)) limits { l := standard; change(&l); return l }
	for name, c := range map[string]struct {
		env  map[string]string
		want limits
	}{
		"by default":               {nil, standard},
		"blank settings":           {map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": " ", "PLUGIN_MAX_EXECUTION_TIMEOUT": ""}, standard},
		"a line by its new name":   {map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "1000"}, with(func(l *limits) { l.line = 999 })},
		"a line by its old name":   {map[string]string{"PLUGIN_STDIO_MAX_BUFFER_SIZE": "2000"}, with(func(l *limits) { l.line = 1999 })},
		"the old name wins":        {map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "1000", "PLUGIN_STDIO_MAX_BUFFER_SIZE": "2000"}, with(func(l *limits) { l.line = 1999 })},
		"but not with its default": {map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "1000", "PLUGIN_STDIO_MAX_BUFFER_SIZE": "5242880"}, with(func(l *limits) { l.line = 999 })},
		"files of tools":           {map[string]string{"PLUGIN_MAX_FILE_SIZE": " 7 "}, with(func(l *limits) { l.toolFile = 7 })},
		"time":                     {map[string]string{"PLUGIN_MAX_EXECUTION_TIMEOUT": "60"}, with(func(l *limits) { l.call = time.Minute })},
		"links off":                {map[string]string{"DIFYPLUGIN_FILE_LINKS": "OFF"}, with(func(l *limits) { l.links = false })},
		"progress":                 {map[string]string{"DIFYPLUGIN_PROGRESS": "messages", "DIFYPLUGIN_FILE_LINKS": "on"}, with(func(l *limits) { l.progressMessages = true })},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readLimits(func(name string) string { return c.env[name] })
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(limits{})); err != nil || diff != "" {
				t.Errorf("error %v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestWrongSettingsAreAllNamed(t *testing.T) {
	env := map[string]string{
		"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "5 MB", "PLUGIN_STDIO_MAX_BUFFER_SIZE": "0", "PLUGIN_MAX_FILE_SIZE": "-1", "PLUGIN_MAX_EXECUTION_TIMEOUT": "10m",
		"DIFYPLUGIN_FILE_LINKS": "no", "DIFYPLUGIN_PROGRESS": "loud",
	}
	_, err := readLimits(func(name string) string { return env[name] })
	if err == nil {
		t.Fatal("no error")
	}
	for name := range env {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestACallEndsBeforeTheHostGivesUp(t *testing.T) {
	for _, c := range []struct{ host, work, answer time.Duration }{
		{600 * time.Second, 585 * time.Second, 595 * time.Second},
		{60 * time.Second, 45 * time.Second, 55 * time.Second},
		{20 * time.Second, 15 * time.Second, 15*time.Second + 10*time.Second/3},
		{time.Second, 750 * time.Millisecond, 750*time.Millisecond + 500*time.Millisecond/3},
	} {
		if work, answer := (limits{call: c.host}).deadline(); work != c.work || answer != c.answer {
			t.Errorf("deadline of %s = %s, %s, want %s, %s", c.host, work, answer, c.work, c.answer)
		}
	}
	l, err := readLimits(func(name string) string {
		return map[string]string{"PLUGIN_MAX_EXECUTION_TIMEOUT": "99999999999"}[name]
	})
	if work, _ := l.deadline(); err != nil || work < 24*time.Hour {
		t.Errorf("a time limit of millennia gives calls %s, error %v", work, err)
	}
}
