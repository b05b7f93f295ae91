"""One page of HTML that holds all it shows: no scripts, no files beside it."""

import base64
import html
import io

from tfflows.cli import run_folder

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto }
th, td { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid #e4e4e4; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
img { max-width: 100%; height: auto } p.note { color: #666; font-size: .85rem }
"""


class Page:
    """A page that is written from top to bottom.

    Args:
      title: str.
    """

    def __init__(self, title):
        self._title, self._parts = title, []

    def heading(self, text):
        """A section begins."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text, note=False):
        """A paragraph; a `note` is smaller."""
        opening = '<p class="note">' if note else "<p>"
        self._parts.append(f"{opening}{html.escape(text)}</p>")

    def table(self, header, rows):
        """A table; numbers stand on the right, `None` is empty."""
        head = "".join(f'<th scope="col">{html.escape(str(each))}</th>' for each in header)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        self._parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def figure(self, figure, what):
        """A matplotlib figure, and in words what it shows."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        self.picture(buffer.getvalue(), what)

    def picture(self, png, what):
        """The bytes of a .png file, and in words what it shows."""
        data = base64.b64encode(png).decode("ascii")
        self._parts.append(f'<p><img alt="{html.escape(what)}" src="data:image/png;base64,{data}"></p>')

    def write(self, path):
        """Writes the page, so that the file is always whole."""
        title = html.escape(self._title)
        head = f'<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        body = "\n".join([f"<h1>{title}</h1>", *self._parts])
        with run_folder.replacing(path) as beside:
            text = f'<!DOCTYPE html>\n<html lang="en">\n{head}\n<body>\n{body}\n</body>\n</html>\n'
            beside.write_text(text, encoding="utf-8")


def _cell(value):
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"
