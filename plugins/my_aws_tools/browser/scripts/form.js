(fields, submit) => {
  const filled = [];
  const errors = [];
  let last = null;
  const controls = all("input, textarea, select, [contenteditable=''], [contenteditable='true'], [contenteditable='plaintext-only']");
  for (const {name, value} of fields) {
    const found = find(name);
    if (!found.length) {
      errors.push(`${name}: the page has no field of this name, ID or label`);
      continue;
    }
    const problem = fill(found, value);
    if (problem) {
      errors.push(`${name}: ${problem}`);
      continue;
    }
    filled.push(name);
    last = found[0];
  }
  if (!submit) return {filled, errors, submitted: false};
  if (errors.length || !last) return {filled, errors: errors.concat("the form was not submitted, because of these errors"), submitted: false};
  const form = last.form || last.closest("form");
  if (!form) return {filled, errors: ["the form was not submitted: the last field belongs to none"], submitted: false};
  const wrong = Array.from(form.elements).find((element) => element.willValidate && !form.noValidate && !element.checkValidity());
  if (wrong) return {filled, errors: [`the form was not submitted: ${wrong.name || wrong.id}: ${wrong.validationMessage}`], submitted: false};
  form.requestSubmit();
  return {filled, errors, submitted: true};

  // By name first, then by ID, then by what stands beside it.
  function find(name) {
    for (const is of [
      (element) => element.getAttribute("name") === name,
      (element) => element.id === name,
      (element) => labels(element).includes(line(name)),
    ]) {
      const found = controls.filter(is);
      if (found.length) return found;
    }
    return [];
  }

  function labels(element) {
    return [element.getAttribute("aria-label"), element.placeholder, ...Array.from(element.labels || [], (label) => label.innerText)].map(line).filter(Boolean);
  }

  function fill(found, value) {
    const kind = found[0].type;
    if (kind === "radio" || (kind === "checkbox" && found.length > 1)) return choose(found.filter((one) => one.type === kind), value, kind);
    const element = found.find((one) => one.type !== "hidden" && !one.disabled && isShown(one)) || found[0];
    if (element.type === "hidden") return "the field is hidden";
    if (element.disabled || element.readOnly || element.matches("fieldset[disabled] *")) return "the field cannot be changed";
    element.scrollIntoView({block: "center"});
    if (element.localName === "select") return select(element, value);
    if (kind === "checkbox") return tick(element, truth(value));
    if (kind === "file") return "files cannot be uploaded";
    if (["submit", "button", "reset", "image"].includes(kind)) return "it is a button: use the action click";
    if (value !== null && typeof value === "object") return "a text field takes one value";
    return element.localName === "input" || element.localName === "textarea" ? type(element, text(value)) : edit(element, text(value));
  }

  function text(value) {
    return value === null ? "" : String(value);
  }

  function truth(value) {
    return !["", "false", "no", "off", "0", "null"].includes(text(value).toLowerCase());
  }

  // Pages watch their fields in a way that an assignment would bypass.
  function type(element, value) {
    element.focus();
    const view = element.ownerDocument.defaultView;
    const kind = element.localName === "input" ? view.HTMLInputElement : view.HTMLTextAreaElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(element, value);
    announce(element);
    return element.value === "" && value !== "" ? `a field of the type ${element.type} does not take ${JSON.stringify(value)}` : "";
  }

  function edit(element, value) {
    element.focus();
    element.textContent = value;
    announce(element);
    return "";
  }

  function tick(element, on) {
    if (element.checked !== on) element.click();
    return element.checked === on ? "" : "the page did not let it be changed";
  }

  // Of a group, those whose value or label is given.
  function choose(group, value, kind) {
    const usable = group.filter((one) => !one.disabled);
    const wanted = (Array.isArray(value) ? value : [value]).map(text);
    const names = (one) => [one.value, ...labels(one)];
    const missing = wanted.filter((name) => !usable.some((one) => names(one).includes(name)));
    if (missing.length && !(usable.length === 1 && typeof value === "boolean")) {
      return `there is no choice ${missing.map((one) => JSON.stringify(one)).join(", ")}: ${group.slice(0, 20).map((one) => JSON.stringify(one.value)).join(", ")}`;
    }
    if (kind === "radio" && wanted.length > 1) return "only one choice can be made";
    if (usable.length === 1 && missing.length) return tick(usable[0], value);
    for (const one of usable) {
      const on = names(one).some((name) => wanted.includes(name));
      const problem = kind === "radio" && !on ? "" : tick(one, on);
      if (problem) return problem;
    }
    return "";
  }

  function select(element, value) {
    const wanted = (Array.isArray(value) ? value : [value]).map(text);
    if (wanted.length > 1 && !element.multiple) return "only one choice can be made";
    const options = Array.from(element.options).filter((option) => !option.disabled);
    const chosen = wanted.map((name) => options.find((option) => option.value === name) || options.find((option) => line(option.label || option.text) === line(name)));
    const missing = wanted.filter((name, i) => !chosen[i]);
    if (missing.length) {
      return `there is no choice ${missing.map((one) => JSON.stringify(one)).join(", ")}: ${options.slice(0, 20).map((option) => JSON.stringify(option.value)).join(", ")}`;
    }
    element.focus();
    for (const option of element.options) option.selected = chosen.includes(option);
    announce(element);
    return "";
  }

  function announce(element) {
    element.dispatchEvent(new Event("input", {bubbles: true, composed: true}));
    element.dispatchEvent(new Event("change", {bubbles: true, composed: true}));
  }
};
