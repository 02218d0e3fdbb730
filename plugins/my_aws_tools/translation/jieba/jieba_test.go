package jieba_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/jieba"
)

func TestTokensAreThoseOfJieba(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"我来到北京清华大学":  "我 来到 北京 清华大学",
		"他来到了网易杭研大厦": "他 来到 了 网易 杭研 大厦",
		"小明硕士毕业于中国科学院计算所，后在日本京都大学深造": "小明 硕士 毕业 于 中国科学院 计算所 ， 后 在 日本京都大学 深造",
		"今天天气很好，我们去公园散步。":            "今天天气 很 好 ， 我们 去 公园 散步 。",
		"彼はリンゴを食べました。":               "彼 は リ ン ゴ を 食 べ ま し た 。",
		"A&amp;B":                    "A & amp ; B",
		"well-known...":              "well - known ...",
		"3,500":                      "3 , 500",
		"5.00%":                      "5.00%",
		"50%.":                       "50% .",
		"3.%":                        "3 .%",
		"2024-05-01":                 "2024 - 05 - 01",
		"T恤和卡拉OK":                    "T恤 和 卡拉 OK",
		"鿕鿖":                         "鿕 鿖",
		"𠀀中国":                        "𠀀 中国",
		"一一一一":                       "一一 一一",
		"永和服装饰品有限公司":                 "永和 服装 饰品 有限公司",
		"\u3007〇":                    "\u3007 〇",
		"工信处女干事每月经过下属科室都要亲口交代24口交换机等": "工信处 女干事 每月 经过 下属 科室 都 要 亲口 交代 24 口 交换机 等",
		"e\u0301": "e \u0301",
	} {
		if got := strings.Join(jieba.Cut(text), " "); got != want {
			t.Errorf("%q is split into %q, want %q", text, got, want)
		}
	}
}

func TestWhiteSpaceIsTokens(t *testing.T) {
	got := jieba.Cut("a \r\n\n\r\t\u3000b")
	if want := []string{"a", " ", "\r\n", "\n", "\r", "\t", "\u3000", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokensAreTheTextAgain(t *testing.T) {
	char := rapid.OneOf(rapid.RuneFrom([]rune("中国人民在北京大学的一是了我不 a1.%-_+#&\r\n，")), rapid.Rune())
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(char).Draw(t, "text")
		tokens := jieba.Cut(text)
		if strings.Join(tokens, "") != text {
			t.Errorf("%q was split into %q", text, tokens)
		}
		if slices.Contains(tokens, "") {
			t.Errorf("%q has an empty token: %q", text, tokens)
		}
	})
}

func ExampleCut() {
	fmt.Printf("%q\n", jieba.Cut("我爱 Go。"))
	// Output: ["我" "爱" " " "Go" "。"]
}

func FuzzCut(f *testing.F) {
	for _, text := range []string{"我来到北京清华大学", "5.00% A&B\r\n", "\xff\xfe中\xe4\xb8", "一一一一一一"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens := jieba.Cut(text)
		if strings.Join(tokens, "") != text {
			t.Errorf("%q was split into %q", text, tokens)
		}
		if len(tokens) > utf8.RuneCountInString(text) {
			t.Errorf("%q has more tokens than characters: %q", text, tokens)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	text := strings.Repeat("这个模型的翻译质量非常高，远远超过了我们的预期，用户反馈也很好。", 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		jieba.Cut(text)
	}
}
