package sample

import (
	"bytes"
	"fmt"
	"strings"
)

// document returns a PDF of one A4 page with a title and lines of ASCII text,
// after ISO 32000-1, section 7.5: a header, numbered objects, a table of their
// offsets and a trailer.
func document(title string, lines []string) []byte {
	page := pageContent(title, lines)
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", len(page), page),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
		fmt.Sprintf("<< /Title (%s) >>", escapePDF(title)),
	}

	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n") // the second line says that the file is binary
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

// pageContent writes the title in 24 points and the lines in 12 below it.
func pageContent(title string, lines []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "BT\n/F1 24 Tf\n72 760 Td\n(%s) Tj\n/F1 12 Tf\n0 -20 Td\n", escapePDF(title))
	for _, line := range lines {
		fmt.Fprintf(&b, "0 -16 Td\n(%s) Tj\n", escapePDF(line))
	}
	b.WriteString("ET\n")
	return b.String()
}

func escapePDF(s string) string {
	return strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s)
}
