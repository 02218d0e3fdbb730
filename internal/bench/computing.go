package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// The tools of my_aws_tools that compute here have baselines of their own: the Python libraries whose results they
// equal, alone, without a plugin around them.
const (
	awsTools = "plugins/my_aws_tools"
	// libraries are what the package index is asked for.
	libraries = "jieba==0.42.1 sacrebleu==2.5.1 nltk==3.8 pillow==11.3.0 setuptools<81"

	corpusPairs  = 1000
	gifFrames    = 200
	wantedFrames = 5
)

func (w *workshop) startOfAWS(n runs) measurement {
	return measurement{
		name: "start of the AWS plugin", runs: n.start, warm: true,
		rows:   []row{{name: "Start to first heartbeat, my_aws_tools", unit: seconds, target: target{limit: 0.020}}},
		plugin: w.with(awsTools, startTime),
		bare:   w.with(testdata+"stream", startTime),
	}
}

func (w *workshop) idleOfAWS(n runs) measurement {
	return measurement{
		name: "idle memory of the AWS plugin", runs: n.idle, together: true,
		rows: []row{
			{name: "Idle memory, my_aws_tools after its start", unit: mebibytes, target: target{limit: 25 * mib}},
			{name: "– anonymous part of it", unit: mebibytes},
		},
		plugin: w.with(awsTools, func(ctx context.Context, command host.Command) ([]float64, error) {
			c, err := started(ctx, command)
			if err != nil {
				return nil, err
			}
			defer c.kill()
			return idleMemory(ctx, c.cmd.Process.Pid)
		}),
	}
}

// firstEvaluation includes the start of the program, as the first user of the day sees it.
func (w *workshop) firstEvaluation(n runs) measurement {
	return measurement{
		name: "first evaluation of a translation", runs: n.start,
		rows: []row{
			{name: "First evaluation of a translation, start included (Python: the libraries alone)", unit: seconds},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.with(awsTools, func(ctx context.Context, command host.Command) ([]float64, error) {
			began := time.Now()
			p, err := host.Start(ctx, command, host.Options{CloseGrace: time.Second})
			if err != nil {
				return nil, err
			}
			defer p.Close() // how it ends is not measured
			translations, references := sentencePairs(1)
			return evaluation(ctx, p, began, translations, references)
		}),
		python: func(ctx context.Context) ([]float64, error) { return w.librariesEvaluate(ctx, 1) },
	}
}

// corpus is evaluated by a program that has its tables in memory already.
func (w *workshop) corpus(n runs) measurement {
	return measurement{
		name: "evaluation of a corpus", runs: n.files,
		rows: []row{
			{name: "Evaluation of a corpus of 1,000 pairs, warm (Python: the libraries alone)", unit: seconds},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.with(awsTools, func(ctx context.Context, command host.Command) ([]float64, error) {
			p, err := host.Start(ctx, command, host.Options{CloseGrace: time.Second})
			if err != nil {
				return nil, err
			}
			defer p.Close()
			first, itsReference := sentencePairs(1)
			if _, err := evaluation(ctx, p, time.Now(), first, itsReference); err != nil {
				return nil, err
			}
			translations, references := sentencePairs(corpusPairs)
			return evaluation(ctx, p, time.Now(), translations, references)
		}),
		python: func(ctx context.Context) ([]float64, error) { return w.librariesEvaluate(ctx, corpusPairs, "warm") },
	}
}

// frames reads a GIF of 200 pictures of 1920 by 1080 pixels from a server on this machine.
func (w *workshop) frames(n runs) measurement {
	return measurement{
		name: "frames of a GIF", runs: n.large,
		rows: []row{
			{name: "5 frames of a GIF with 200 of 1920 × 1080 (Python: Pillow alone)", unit: seconds},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.with(awsTools, w.extractFrames),
		python: w.pillowFrames,
	}
}

// evaluation returns the time since began and the largest memory of the plugin.
func evaluation(ctx context.Context, p *host.Process, began time.Time, translations, references []string) ([]float64, error) {
	result, err := p.Tool(ctx, host.Caller{UserID: "bench", Provider: "my_aws_tools"}, "translation_evaluator", map[string]any{
		"translation": strings.Join(translations, "\n"), "label": strings.Join(references, "\n"), "corpus": len(translations) > 1,
	})
	took := time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	if score := string(result.Variables["meteor"]); score == "" || score == "null" {
		return nil, fmt.Errorf("translation_evaluator gave no METEOR score: %v", result.Variables)
	}
	return withPeak(took, p.PID())
}

func withPeak(took float64, pid int) ([]float64, error) {
	peak, err := memory(pid, "VmHWM")
	if err != nil {
		return nil, err
	}
	return []float64{took, peak[0]}, nil
}

// sentencePairs are translations and references of which some words differ, in English and in Chinese.
func sentencePairs(n int) (translations, references []string) {
	subjects := []string{"The doctor", "A young engineer", "Our neighbour", "The committee", "医生", "年轻的工程师", "我们的邻居", "委员会"}
	for i := range n {
		s := i % len(subjects)
		if s < 4 {
			translations = append(translations, fmt.Sprintf("%s quickly bought %d huge houses near the sea, and everybody was happy about it.", subjects[s], i+2))
			references = append(references, fmt.Sprintf("%s rapidly purchased %d enormous homes by the ocean, which made everyone glad.", subjects[s], i+2))
			continue
		}
		translations = append(translations, fmt.Sprintf("%s在第%d天买下了海边的一座大房子，大家都非常高兴。", subjects[s], i+2))
		references = append(references, fmt.Sprintf("在第%d天，%s购买了一座靠近大海的大宅，所有人都很开心。", i+2, subjects[s]))
	}
	return translations, references
}

// installLibraries makes a virtual environment with what the tools are compared with.
func (w *workshop) installLibraries(ctx context.Context, choice string) (string, error) {
	if choice == "off" {
		return "", unavailable("switched off by -python=off")
	}
	base, err := w.python.get()
	if err != nil {
		return "", err
	}
	w.say("  installing %s", libraries)
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	path, err := w.virtualEnvironment(ctx, base.path, "libraries")
	if err == nil {
		_, err = output(ctx, path, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"}, strings.Fields(libraries)...)...)
	}
	if err != nil {
		return "", unavailable("the libraries cannot be installed: " + oneLine(err.Error()))
	}
	return path, nil
}

// runLibrary runs a script under testdata/libraries, which prints its figures.
func (w *workshop) runLibrary(ctx context.Context, stdin []byte, script string, args ...string) (figures []float64, began time.Time, err error) {
	python, err := w.libraries.get()
	if err != nil {
		return nil, began, err
	}
	began = time.Now()
	cmd := exec.CommandContext(ctx, python, append([]string{filepath.Join(w.root, testdata, "libraries", script)}, args...)...)
	var stderr tail
	cmd.Stdin, cmd.Stderr, cmd.Env = bytes.NewReader(stdin), &stderr, w.environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, began, fmt.Errorf("%s: %w: %s", script, err, oneLine(string(stderr)))
	}
	if err := json.Unmarshal(out, &figures); err != nil || len(figures) != 2 {
		return nil, began, fmt.Errorf("%s printed %q", script, out)
	}
	return figures, began, nil
}

// librariesEvaluate takes a single pair from before the process exists, and a corpus from when all is loaded.
func (w *workshop) librariesEvaluate(ctx context.Context, n int, args ...string) ([]float64, error) {
	translations, references := sentencePairs(n)
	var stdin bytes.Buffer
	for _, list := range [][]string{translations, references} {
		if err := json.NewEncoder(&stdin).Encode(list); err != nil {
			return nil, err
		}
	}
	figures, began, err := w.runLibrary(ctx, stdin.Bytes(), "evaluate.py", args...)
	if err != nil {
		return nil, err
	}
	if n == 1 {
		figures[0] = time.Since(began).Seconds()
	}
	return figures, nil
}

func (w *workshop) extractFrames(ctx context.Context, command host.Command) ([]float64, error) {
	path, err := w.picture.get()
	if err != nil {
		return nil, err
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(path))))
	defer server.Close()
	command.Env = append(command.Env, "DIFYPLUGIN_FETCH_ALLOW=127.0.0.1")
	p, err := host.Start(ctx, command, host.Options{CloseGrace: time.Second})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	began := time.Now()
	result, err := p.Tool(ctx, host.Caller{UserID: "bench", Provider: "my_aws_tools"}, "extract_frame", map[string]any{
		"input_url": server.URL + "/" + filepath.Base(path), "frame_count": wantedFrames, "input_type": "GIF",
	})
	took := time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	if len(result.Files) != wantedFrames {
		return nil, fmt.Errorf("extract_frame returned %d frames", len(result.Files))
	}
	return withPeak(took, p.PID())
}

func (w *workshop) pillowFrames(ctx context.Context) ([]float64, error) {
	path, err := w.picture.get()
	if err != nil {
		return nil, err
	}
	figures, _, err := w.runLibrary(ctx, nil, "frames.py", path, strconv.Itoa(wantedFrames))
	return figures, err
}

// drawPicture writes a GIF in which everything moves, so that no frame is small, and which the tool still takes.
func (w *workshop) drawPicture() (path string, err error) {
	w.say("  drawing a GIF of %d frames", gifFrames)
	const width, height = 1920, 1080
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.RGBA{uint8(i), uint8(255 - i), uint8(i * 7), 255}
	}
	var all gif.GIF
	for n := range gifFrames {
		frame := image.NewPaletted(image.Rect(0, 0, width, height), palette)
		for y := range height {
			row := frame.Pix[y*frame.Stride : y*frame.Stride+width]
			for x := range row {
				row[x] = uint8((x+n*9)>>6 ^ (y+n*5)>>5)
			}
		}
		all.Image, all.Delay = append(all.Image, frame), append(all.Delay, 4)
	}
	path = filepath.Join(w.scratch, "moving.gif")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return path, gif.EncodeAll(file, &all)
}
