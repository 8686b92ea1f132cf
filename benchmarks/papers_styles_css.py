"""Style sheet of made-up articles, and the script that pours their text into columns."""

# ruff: noqa: E501 - CSS and JavaScript as they are written

from __future__ import annotations

from papers_styles_families import Style

__all__ = ["SCRIPT", "style_sheet"]

SCRIPT = """
const fits = box => box.scrollHeight <= box.clientHeight + 1 && box.scrollWidth <= box.clientWidth + 2;
for (const data of document.querySelectorAll('script[type="queue"]')) {
  const queue = JSON.parse(data.textContent); let held = [];
  const make = item => { const t = document.createElement(item.k == 'p' ? 'p' : 'div');
    t.className = item.c || item.k; t.innerHTML = item.h; return t; };
  for (const box of document.querySelectorAll('.flow[data-of="' + data.dataset.of + '"]')) {
    const waiting = held; held = [];
    for (const item of waiting) {
      const el = make(item); box.append(el);
      if (!fits(box)) { el.remove(); held.push(item); }
    }
    while (queue.length) {
      const item = queue.shift(), el = make(item); box.append(el);
      if (fits(box)) continue;
      if (item.k != 'p') { el.remove(); if (item.k == 'h') { queue.unshift(item); break; }
        held.push(item); continue; }
      const words = item.h.split(' '); let low = 0, high = words.length;
      while (low < high) { const mid = (low + high + 1) >> 1;
        el.innerHTML = words.slice(0, mid).join(' ');
        if (fits(box)) low = mid; else high = mid - 1; }
      if (low < 6 || words.length - low < 6) { el.remove(); if (box.children.length) queue.unshift(item); break; }
      el.innerHTML = words.slice(0, low).join(' '); el.classList.add('cut');
      queue.unshift({k: 'p', c: (item.c || 'p') + ' rest', h: words.slice(low).join(' ')}); break;
    }
    if (box.dataset.numbered) {
      const tops = new Set(), home = box.getBoundingClientRect(); let n = 0;
      for (const p of box.querySelectorAll('p')) { const range = document.createRange();
        range.selectNodeContents(p);
        for (const r of range.getClientRects()) tops.add(Math.round(r.top - home.top)); }
      let last = -99;
      for (const top of [...tops].sort((a, b) => a - b)) { if (top - last < 8) continue; last = top;
        const mark = document.createElement('span'); mark.className = 'number';
        mark.textContent = ++n; mark.style.top = top + 'px'; box.append(mark); }
    }
  }
}
"""


def style_sheet(style: Style, key: str, column: float, head_align: str) -> str:
    """The rules for the pages of the article of this key. column: points wide."""
    width, height = style.page
    top, bottom, left, right = style.margins
    return f"""<style>
@page {key} {{ size: {width}pt {height}pt; margin: 0 }}
@page {key}l {{ size: {height}pt {width}pt; margin: 0 }}
.{key} {{ page: {key}; position: relative; width: {width}pt; height: {height - 1}pt; overflow: hidden;
  break-after: page; font: {style.size}pt/{style.leading} "{style.font}";
  text-align: {"justify" if style.justify else "left"} }}
.{key}.landscape {{ page: {key}l; width: {height}pt; height: {width - 1}pt }}
.{key} .head {{ position: absolute; top: {top / 2:.1f}pt; left: {left}pt; right: {right}pt;
  font-size: 8pt; text-align: {head_align} }}
.{key} .foot {{ position: absolute; bottom: {bottom / 2:.1f}pt; left: {left}pt; right: {right}pt;
  font-size: 7.5pt; text-align: center }}
.{key} .body {{ position: absolute; top: {top}pt; bottom: {bottom}pt; left: {left}pt;
  right: {right}pt; display: flex; flex-direction: column; overflow: hidden; overflow-wrap: anywhere }}
.{key} .columns {{ flex: 1; min-height: 0; display: flex; gap: {style.gap}pt }}
.{key} .column {{ width: {column}pt; display: flex; flex-direction: column; min-height: 0 }}
.{key} .flow {{ flex: 1; min-height: 0; overflow: hidden; position: relative }}
.{key} p {{ margin: 0 0 {style.parting}pt; text-indent: {style.indent}pt }}
.{key} p.rest {{ text-indent: 0 }}
.{key} p.ref {{ font-size: .85em; margin: 0; text-indent: -10pt; padding-left: 10pt }}
.{key} p.cut {{ text-align-last: {"justify" if style.justify else "left"}; margin: 0 }}
.{key} .h {{ {style.heading_css}; margin: {style.size}pt 0 {style.size / 3}pt; text-align: left }}
.{key} .e {{ text-align: center; margin: 5pt 0 }}
.{key} .caption {{ line-height: {min(style.leading, 1.3) if style.caption_css else style.leading};
  {style.caption_css} }}
{"" if style.uneven else f".{key} sup, .{key} sub {{ line-height: 0 }}"}
.{key} .wrapped {{ float: left; margin: 0 8pt 4pt 0 }}
.{key} .gold {{ display: block; color: inherit; text-decoration: none }}
.{key} .float {{ box-sizing: border-box; margin: 6pt 0 14pt }}
.{key} .f .float {{ margin: 10pt 0 }}
.{key} .link {{ {style.link_css} }}
.{key} .drop {{ float: left; font-size: 3em; line-height: .85; padding-right: 2pt }}
.{key} .sidebar {{ background: #e8eef4; padding: 5pt; font-size: .85em; margin-bottom: 8pt; text-align: left }}
.{key} .sidebar ul {{ margin: 3pt 0; padding-left: 12pt }}
.{key} .mark {{ position: absolute; left: 18pt; font: 11pt "Liberation Sans"; color: #777;
  writing-mode: vertical-rl; transform: rotate(180deg) }}
.{key} .number {{ position: absolute; left: -24pt; font: 8pt "Liberation Sans" }}
.{key} .flow[data-numbered] {{ margin-left: -30pt; padding-left: 30pt }}
.{key} .flow[data-numbered] .number {{ left: 4pt }}
</style>"""
