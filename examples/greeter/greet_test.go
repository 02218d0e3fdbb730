package main

import (
	"testing"

	"github.com/cloudplugins/difyplugin/plugin/plugintest"
)

func TestGreetSaysHelloAndWritesACard(t *testing.T) {
	p := plugintest.Run(t, declarations, parts()...)
	result, err := p.Tool(t.Context(), p.As(nil), "greet", map[string]any{"name": "Ada", "language": "zh", "times": ""})
	if err != nil {
		t.Fatal(err)
	}
	if result.Text != "你好，Ada！\n" {
		t.Errorf("the text is %q", result.Text)
	}
	if got := string(result.Variables["greeting"]); got != `"你好，Ada！"` {
		t.Errorf("the output is %s", got)
	}
	if card, err := result.Files[0].Bytes(); err != nil || string(card) != "你好，Ada！" {
		t.Errorf("the card says %q, %v", card, err)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	p := plugintest.Run(t, declarations, parts()...)
	if err := p.ValidateTool(t.Context(), p.As(map[string]any{"password": "wrong"})); err == nil {
		t.Error("the password was accepted")
	}
	if err := p.ValidateTool(t.Context(), p.As(map[string]any{"password": "right"})); err != nil {
		t.Error(err)
	}
}
