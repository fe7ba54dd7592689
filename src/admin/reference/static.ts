/* What does not change of the reference page; the policy that it is served with has the hash of each. */

export const look = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --quiet: color-mix(in srgb, currentColor 65%, transparent) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 82rem; padding: 0 1rem 4rem; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 2rem }
header { grid-column: 1 / -1; position: sticky; top: 0; background: Canvas; padding: .5rem 0; border-bottom: 1px solid var(--line); z-index: 1 }
h1 { font-size: 1.3rem; margin: .25rem 0 } h2 { margin: 2rem 0 .5rem } h4 { margin: 1rem 0 .25rem }
header p { margin: .25rem 0; color: var(--quiet) }
input { width: 100%; font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 4px; background: Field; color: FieldText }
nav { position: sticky; top: 9rem; align-self: start; max-height: calc(100vh - 10rem); overflow: auto } nav ul { list-style: none; padding: 0; margin: 1rem 0 }
nav a { text-decoration: none }
section, details { scroll-margin-top: 9rem }
article { border-top: 1px solid var(--line) } summary { padding: .35rem 0; cursor: pointer }
details[open] > summary { border-bottom: 1px solid var(--line) }
.method { display: inline-block; width: 4.2em; font: 600 .8em ui-monospace, monospace } .get { color: #2a7ab0 } .post { color: #2b8a3e } .patch, .put { color: #b06a00 } .delete { color: #c92a2a }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere } abbr { text-decoration: none; color: #c92a2a }
table { width: 100%; border-collapse: collapse; font-size: .92em } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line) } th { color: var(--quiet); font-weight: 600 }
[hidden] { display: none }
@media (max-width: 50rem) { body { grid-template-columns: minmax(0, 1fr) } nav { display: none } }
`;

export const behaviour = `
const field = document.getElementById('search'), found = document.getElementById('found');
const articles = [...document.querySelectorAll('article')].map((element) => ({ element, text: element.textContent.toLowerCase() }));
const search = () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let left = 0;
  for (const { element, text } of articles) {
    element.hidden = !words.every((word) => text.includes(word));
    if (!element.hidden) left += 1;
  }
  for (const section of document.querySelectorAll('main > section'))
    section.hidden = words.length > 0 && section.querySelector('article:not([hidden])') === null;
  found.textContent = words.length === 0 ? '' : left + ' of ' + articles.length + ' operations and objects';
};
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target === null) return;
  if (target.closest('[hidden]') !== null) { field.value = ''; search(); }
  if (target.tagName === 'DETAILS') target.open = true;
  target.scrollIntoView();
};
field.addEventListener('input', search);
field.addEventListener('keydown', (event) => { if (event.key === 'Escape') { field.value = ''; search(); } });
window.addEventListener('hashchange', open);
document.addEventListener('toggle', (event) => { if (event.target.open && event.target.id) history.replaceState(null, '', '#' + event.target.id); }, true);
search();
open();
`;
