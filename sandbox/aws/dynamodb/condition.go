package dynamodb

import (
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// condition is a condition that an item may meet.
type condition interface{ holds(it item) bool }

// operand yields a value of an item; false where it has none.
type operand interface{ of(it item) (value, bool) }

type (
	all        []condition
	some       []condition
	not        struct{ condition }
	comparison struct {
		left  operand
		is    string
		right operand
	}
	between struct{ what, low, high operand }
	among   struct {
		what operand
		list []operand
	}
	function struct {
		name string
		args []operand
	}
	literal struct {
		value
		placeholder string
	}
	size struct{ operand }
)

func (c all) holds(it item) bool {
	return !slices.ContainsFunc(c, func(one condition) bool { return !one.holds(it) })
}

func (c some) holds(it item) bool {
	return slices.ContainsFunc(c, func(one condition) bool { return one.holds(it) })
}

func (c not) holds(it item) bool { return !c.condition.holds(it) }

func (c comparison) holds(it item) bool {
	left, ok1 := c.left.of(it)
	right, ok2 := c.right.of(it)
	if !ok1 || !ok2 {
		return c.is == "<>" && ok1 != ok2
	}
	switch c.is {
	case "=":
		return left.equal(right)
	case "<>":
		return !left.equal(right)
	}
	order, comparable := left.compare(right)
	switch c.is {
	case "<":
		return comparable && order < 0
	case "<=":
		return comparable && order <= 0
	case ">":
		return comparable && order > 0
	default:
		return comparable && order >= 0
	}
}

func (c between) holds(it item) bool {
	return comparison{c.what, ">=", c.low}.holds(it) && comparison{c.what, "<=", c.high}.holds(it)
}

func (c among) holds(it item) bool {
	return slices.ContainsFunc(c.list, func(one operand) bool { return comparison{c.what, "=", one}.holds(it) })
}

func (c function) holds(it item) bool {
	first, found := c.args[0].of(it)
	switch c.name {
	case "attribute_exists":
		return found
	case "attribute_not_exists":
		return !found
	}
	second, ok := c.args[1].of(it)
	if !found || !ok {
		return false
	}
	switch c.name {
	case "attribute_type":
		return first.kind == second.text
	case "begins_with":
		return first.kind == second.kind && strings.HasPrefix(first.text, second.text)
	default: // contains
		return first.contains(second)
	}
}

func (v value) contains(other value) bool {
	switch v.kind {
	case typeS, typeB:
		return v.kind == other.kind && strings.Contains(v.text, other.text)
	case typeList:
		return slices.ContainsFunc(v.list, other.equal)
	case typeSS, typeNS, typeBS:
		return v.kind == other.kind+"S" && slices.Contains(v.set, other.text)
	default:
		return false
	}
}

func (p path) of(it item) (value, bool) { return it.find(p) }
func (l literal) of(item) (value, bool) { return l.value, true }
func (o size) of(it item) (value, bool) {
	v, ok := o.operand.of(it)
	if !ok {
		return value{}, false
	}
	var count int
	switch v.kind {
	case typeS, typeB:
		count = len(v.text)
	case typeList:
		count = len(v.list)
	case typeMap:
		count = len(v.items)
	case typeSS, typeNS, typeBS:
		count = len(v.set)
	default:
		return value{}, false
	}
	return numberOf(count), true
}

// readCondition reads a condition; nil without one.
func readCondition(kind, expression string, used *usage) (condition, *aws.Error) {
	if expression == "" {
		return nil, nil
	}
	s, failed := scan(kind, expression, used)
	if failed != nil {
		return nil, failed
	}
	c, failed := s.or()
	if failed != nil {
		return nil, failed
	}
	return c, s.end()
}

func (s *scanner) or() (condition, *aws.Error) {
	first, failed := s.and()
	list := some{first}
	for failed == nil && s.accept("OR") {
		first, failed = s.and()
		list = append(list, first)
	}
	if len(list) == 1 {
		return list[0], failed
	}
	return list, failed
}

func (s *scanner) and() (condition, *aws.Error) {
	first, failed := s.single()
	list := all{first}
	for failed == nil && s.accept("AND") {
		first, failed = s.single()
		list = append(list, first)
	}
	if len(list) == 1 {
		return list[0], failed
	}
	return list, failed
}

func (s *scanner) single() (condition, *aws.Error) {
	if s.accept("NOT") {
		c, failed := s.single()
		return not{c}, failed
	}
	if s.accept("(") {
		c, failed := s.or()
		if failed != nil {
			return nil, failed
		}
		return c, s.expect(")")
	}
	if count := arity(s.peek()); count > 0 && s.followedBy("(") {
		return s.function(count)
	}
	return s.comparison()
}

// arity is how many arguments a condition that is written like a function takes.
func arity(name string) int {
	switch strings.ToLower(name) {
	case "attribute_exists", "attribute_not_exists":
		return 1
	case "attribute_type", "begins_with", "contains":
		return 2
	default:
		return 0
	}
}

func (s *scanner) followedBy(token string) bool {
	return s.next+1 < len(s.tokens) && s.tokens[s.next+1] == token
}

func (s *scanner) function(count int) (condition, *aws.Error) {
	f := function{name: strings.ToLower(s.take())}
	s.next++ // the bracket
	for {
		arg, failed := s.operand()
		if failed != nil {
			return nil, failed
		}
		f.args = append(f.args, arg)
		if !s.accept(",") {
			break
		}
	}
	if len(f.args) != count {
		return nil, invalid("Invalid %s: Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", s.kind, f.name, len(f.args))
	}
	if _, isPath := f.args[0].(path); !isPath && (count == 1 || f.name == "attribute_type") {
		return nil, invalid("Invalid %s: Operator or function requires a document path; operator or function: %s", s.kind, f.name)
	}
	return f, s.expect(")")
}

func (s *scanner) comparison() (condition, *aws.Error) {
	left, failed := s.operand()
	if failed != nil {
		return nil, failed
	}
	switch is := s.peek(); is {
	case "=", "<>", "<", "<=", ">", ">=":
		s.next++
		right, failed := s.operand()
		return comparison{left, is, right}, failed
	case "BETWEEN":
		s.next++
		return s.between(left)
	case "IN":
		s.next++
		return s.among(left)
	}
	return nil, s.syntaxError(s.take())
}

func (s *scanner) between(what operand) (condition, *aws.Error) {
	low, failed := s.operand()
	if failed != nil {
		return nil, failed
	}
	if failed := s.expect("AND"); failed != nil {
		return nil, failed
	}
	high, failed := s.operand()
	if failed != nil {
		return nil, failed
	}
	one, isOne := low.(literal)
	other, isOther := high.(literal)
	if order, comparable := one.compare(other.value); isOne && isOther && comparable && order > 0 {
		return nil, invalid("Invalid %s: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
			s.kind, one.kind, one.text, other.kind, other.text)
	}
	return between{what, low, high}, nil
}

func (s *scanner) among(what operand) (condition, *aws.Error) {
	if failed := s.expect("("); failed != nil {
		return nil, failed
	}
	c := among{what: what}
	for {
		one, failed := s.operand()
		if failed != nil {
			return nil, failed
		}
		c.list = append(c.list, one)
		if !s.accept(",") {
			return c, s.expect(")")
		}
	}
}

func (s *scanner) operand() (operand, *aws.Error) {
	if s.peek() == "SIZE" && s.followedBy("(") {
		s.next += 2
		inner, failed := s.operand()
		if failed != nil {
			return nil, failed
		}
		return size{inner}, s.expect(")")
	}
	if strings.HasPrefix(s.peek(), ":") {
		return s.literal()
	}
	return s.path()
}

func (s *scanner) literal() (operand, *aws.Error) {
	written := s.take()
	v, ok := s.used.values[written]
	if !ok {
		return nil, invalid("Invalid %s: An expression attribute value used in expression is not defined; attribute value: %s", s.kind, written)
	}
	s.used.usedValues[written] = true
	return literal{v, written}, nil
}
