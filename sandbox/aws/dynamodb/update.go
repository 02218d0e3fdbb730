package dynamodb

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// change is one change of an update. What it sets is computed from the item as it was before all of them.
type change struct {
	path    path
	removes bool
	do      func(before item) (func(value, bool) (value, bool), *aws.Error)
}

// readUpdate reads an update expression; no changes without one.
func readUpdate(expression string, used *usage) ([]change, *aws.Error) {
	if expression == "" {
		return nil, nil
	}
	s, failed := scan("UpdateExpression", expression, used)
	if failed != nil {
		return nil, failed
	}
	u := &updateReader{scanner: s, seen: map[string]bool{}}
	for s.peek() != "" {
		if failed := u.clause(); failed != nil {
			return nil, failed
		}
	}
	slices.SortStableFunc(u.changes, change.order)
	return u.changes, nil
}

// order puts removals last, those at the end of a list first: places in lists are those before the update.
func (c change) order(other change) int {
	if c.removes != other.removes {
		return map[bool]int{true: 1, false: -1}[c.removes]
	}
	if !c.removes {
		return 0
	}
	return other.path[len(other.path)-1].number - c.path[len(c.path)-1].number
}

// updateReader reads the clauses of an update.
type updateReader struct {
	*scanner
	seen    map[string]bool
	paths   []path
	changes []change
}

func (u *updateReader) clause() *aws.Error {
	name := strings.ToUpper(u.take())
	read := map[string]func(path) (change, *aws.Error){"SET": u.set, "REMOVE": u.remove, "ADD": u.add, "DELETE": u.delete}[name]
	switch {
	case read == nil:
		return u.syntaxError(name)
	case u.seen[name]:
		return invalid(`Invalid UpdateExpression: The "%s" section can only be used once in an update expression;`, name)
	}
	u.seen[name] = true
	for {
		p, failed := u.path()
		if failed != nil {
			return failed
		}
		if failed := u.checkOverlap(u.paths, p); failed != nil {
			return failed
		}
		u.paths = append(u.paths, p)
		c, failed := read(p)
		if failed != nil {
			return failed
		}
		u.changes = append(u.changes, c)
		if !u.accept(",") {
			return nil
		}
	}
}

// term yields a value that is set.
type term func(before item) (value, *aws.Error)

func (u *updateReader) set(p path) (change, *aws.Error) {
	if failed := u.expect("="); failed != nil {
		return change{}, failed
	}
	what, failed := u.term()
	if failed != nil {
		return change{}, failed
	}
	if is := u.peek(); is == "+" || is == "-" {
		u.next++
		second, failed := u.term()
		if failed != nil {
			return change{}, failed
		}
		what = added(what, second, is == "-")
	}
	return change{path: p, do: func(before item) (func(value, bool) (value, bool), *aws.Error) {
		v, failed := what(before)
		return func(value, bool) (value, bool) { return v.clone(), true }, failed
	}}, nil
}

func added(first, second term, subtract bool) term {
	return func(before item) (value, *aws.Error) {
		a, failed := first(before)
		if failed != nil {
			return value{}, failed
		}
		b, failed := second(before)
		if failed != nil {
			return value{}, failed
		}
		if a.kind != typeN || b.kind != typeN {
			return value{}, invalid("An operand in the update expression has an incorrect data type")
		}
		total, failed := sum(a.text, b.text, subtract)
		return value{kind: typeN, text: total}, failed
	}
}

func (u *updateReader) term() (term, *aws.Error) {
	name := strings.ToLower(u.peek())
	if (name == "if_not_exists" || name == "list_append") && u.followedBy("(") {
		u.next += 2
		return u.function(name)
	}
	from, failed := u.operand()
	if failed != nil {
		return nil, failed
	}
	return func(before item) (value, *aws.Error) {
		v, ok := from.of(before)
		if !ok {
			return value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		return v, nil
	}, nil
}

func (u *updateReader) function(name string) (term, *aws.Error) {
	if name == "list_append" {
		first, failed := u.term()
		if failed != nil {
			return nil, failed
		}
		second, failed := u.lastTerm()
		return appended(first, second), failed
	}
	p, failed := u.path()
	if failed != nil {
		return nil, failed
	}
	otherwise, failed := u.lastTerm()
	return func(before item) (value, *aws.Error) {
		if v, ok := before.find(p); ok {
			return v, nil
		}
		return otherwise(before)
	}, failed
}

// lastTerm reads the second argument of a function and its end.
func (u *updateReader) lastTerm() (term, *aws.Error) {
	if failed := u.expect(","); failed != nil {
		return nil, failed
	}
	second, failed := u.term()
	if failed != nil {
		return nil, failed
	}
	return second, u.expect(")")
}

func appended(first, second term) term {
	return func(before item) (value, *aws.Error) {
		a, failed := first(before)
		if failed != nil {
			return value{}, failed
		}
		b, failed := second(before)
		if failed != nil {
			return value{}, failed
		}
		if a.kind != typeList || b.kind != typeList {
			return value{}, invalid("An operand in the update expression has an incorrect data type")
		}
		return value{kind: typeList, list: slices.Concat(a.list, b.list)}, nil
	}
}

func (u *updateReader) remove(p path) (change, *aws.Error) {
	return change{path: p, removes: true, do: func(item) (func(value, bool) (value, bool), *aws.Error) {
		return func(value, bool) (value, bool) { return value{}, false }, nil
	}}, nil
}

// add counts a number up, or adds elements to a set.
func (u *updateReader) add(p path) (change, *aws.Error) {
	by, failed := u.constant("ADD", typeN, typeSS, typeNS, typeBS)
	if failed != nil {
		return change{}, failed
	}
	return change{path: p, do: func(before item) (func(value, bool) (value, bool), *aws.Error) {
		was, ok := before.find(p)
		switch {
		case !ok:
			was = by
		case was.kind != by.kind:
			return nil, invalid("An operand in the update expression has an incorrect data type")
		case by.kind == typeN:
			total, failed := sum(was.text, by.text, false)
			if failed != nil {
				return nil, failed
			}
			was.text = total
		default:
			was.set = slices.Compact(slices.Sorted(slices.Values(slices.Concat(was.set, by.set))))
		}
		return func(value, bool) (value, bool) { return was, true }, nil
	}}, nil
}

// delete takes elements out of a set; the last ones take the set with them.
func (u *updateReader) delete(p path) (change, *aws.Error) {
	gone, failed := u.constant("DELETE", typeSS, typeNS, typeBS)
	if failed != nil {
		return change{}, failed
	}
	return change{path: p, do: func(before item) (func(value, bool) (value, bool), *aws.Error) {
		was, ok := before.find(p)
		if ok && was.kind != gone.kind {
			return nil, invalid("An operand in the update expression has an incorrect data type")
		}
		was.set = slices.DeleteFunc(slices.Clone(was.set), func(element string) bool { return slices.Contains(gone.set, element) })
		return func(value, bool) (value, bool) { return was, len(was.set) > 0 }, nil
	}}, nil
}

// constant reads the value of ADD and DELETE.
func (u *updateReader) constant(clause string, kinds ...string) (value, *aws.Error) {
	if !strings.HasPrefix(u.peek(), ":") {
		return value{}, u.syntaxError(u.take())
	}
	v, failed := u.literal()
	if failed != nil {
		return value{}, failed
	}
	read := v.(literal).value
	if !slices.Contains(kinds, read.kind) {
		return value{}, invalid("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s", clause, read.kind)
	}
	return read, nil
}

func numberOf(count int) value { return value{kind: typeN, text: strconv.Itoa(count)} }
