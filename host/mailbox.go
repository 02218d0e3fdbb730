package host

import "sync"

// item is one thing that a session hands to its caller: a result, or the end of the call.
type item struct {
	payload []byte // of a result
	err     error  // of a failed call
	gone    bool   // the plugin is, before the session's end; err says why
	end     bool
}

// mailbox is the queue between the reader of a plugin's output and one call.
type mailbox struct {
	limit int           // 0 is no limit
	ready chan struct{} // holds one token when there may be an item
	room  chan struct{} // holds one token when there may be room

	mu    sync.Mutex
	items []item
}

func newMailbox(limit int) *mailbox {
	return &mailbox{limit: limit, ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put adds an item. While the box is full it waits, unless one of the channels says that nobody will read it.
func (m *mailbox) put(it item, gone, killed <-chan struct{}) {
	for !m.tryPut(it) {
		select {
		case <-m.room:
		case <-gone:
			return
		case <-killed:
			return
		}
	}
}

func (m *mailbox) tryPut(it item) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limit > 0 && len(m.items) >= m.limit {
		return false
	}
	m.items = append(m.items, it)
	signal(m.ready)
	return true
}

// force adds an item beyond the limit: the last word of a connection that is over.
func (m *mailbox) force(it item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items = append(m.items, it)
	signal(m.ready)
}

func (m *mailbox) take() (item, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.items) == 0 {
		return item{}, false
	}
	it := m.items[0]
	m.items[0] = item{} // the payload may be megabytes
	m.items = m.items[1:]
	signal(m.room)
	return it, true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
