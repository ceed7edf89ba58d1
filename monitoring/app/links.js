/* Names that lead to their pages. What others wrote becomes text, never markup; a press with Ctrl opens a tab, as with any link. */

export default function ({ data, parentElement, setTriggerValue }) {
  const list = document.createElement("ul");
  list.className = data.beside ? "links beside" : "links";
  for (const [name, label, told] of data.lines) {
    const line = list.appendChild(document.createElement("li"));
    const link = line.appendChild(document.createElement("a"));
    link.href = `?${new URLSearchParams({ page: data.page, name })}`;
    link.textContent = label;
    link.onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setTriggerValue("opened", name);
    };
    if (told) line.appendChild(document.createElement("span")).textContent = told;
  }
  parentElement.querySelector("ul")?.remove(); // its style stays
  parentElement.append(list);
}
