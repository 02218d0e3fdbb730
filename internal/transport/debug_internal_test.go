package transport

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestNothingFollowsALineThatWasCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		conn := &debugConn{Conn: near, greeted: true}
		go func() { _, _ = io.ReadFull(far, make([]byte, 5)) }()
		begin := time.Now()
		if n, err := io.WriteString(conn, "first line\n"); err == nil || n != 5 || time.Since(begin) != writeWithin {
			t.Fatalf("the first line: %d bytes, %v after %s, want a cut after %s", n, err, time.Since(begin), writeWithin)
		}
		received := make(chan string, 1)
		go func() {
			rest, _ := io.ReadAll(far) // ends with the connection
			received <- string(rest)
		}()
		if _, err := io.WriteString(conn, "second line\n"); err == nil {
			t.Error("the second line was sent")
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || time.Since(begin) != writeWithin+lastWords {
			t.Errorf("reading ended with %v after %s, want an end %s after the cut", err, time.Since(begin), lastWords)
		}
		conn.Close()
		if rest := <-received; rest != "" {
			t.Errorf("after the cut came %q", rest)
		}
	})
}
