/* A text and a button that copies it; where the browser lets nobody write its clipboard, the text is selected. */

export default function ({ data, parentElement }) {
  const before = parentElement.querySelector(".copyable");
  // The page is drawn anew now and then: who has just copied goes on to read so.
  if (before?.querySelector("pre").textContent === data) return;
  const shown = document.createElement("pre");
  shown.textContent = data;
  shown.tabIndex = 0;
  shown.ariaLabel = "Code";
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown);
      button.textContent = "Selected: copy it with Ctrl+C";
    }
  };
  const box = document.createElement("div");
  box.className = "copyable";
  box.append(button, shown);
  before?.remove(); // its style stays
  parentElement.append(box);
}
