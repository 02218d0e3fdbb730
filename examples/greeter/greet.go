package main

import (
	"context"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// greetInput receives the parameters that tools/greet.yaml declares.
type greetInput struct {
	Name     string `param:"name"`
	Times    int    `param:"times"`
	Language string `param:"language"`
}

func greet(ctx context.Context, call *plugin.Call, in greetInput) error {
	greeting := "Hello, " + in.Name + "!"
	if in.Language == "zh" {
		greeting = "你好，" + in.Name + "！"
	}
	if err := call.Text(strings.Repeat(greeting+"\n", in.Times)); err != nil {
		return err
	}
	if err := call.Variable("greeting", greeting); err != nil {
		return err
	}
	return call.File(ctx, plugin.Bytes("card.txt", "text/plain", []byte(greeting)))
}

func checkPassword(_ context.Context, c plugin.Credentials) error {
	if c.Get("password") == "wrong" {
		return plugin.Errorf(plugin.InvalidCredentials, "This password is wrong. Enter any other one.")
	}
	return nil
}
