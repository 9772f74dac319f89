"""The figures: collected, printed as one table with floors and goals, written as JSON."""
import json
import statistics
import time


class Figures:
    def __init__(self):
        self.entries, self.details = {}, {}

    def add(self, key, what, values, unit, scale=1.0, better="high", floor=None, goal=None, note=""):
        """The median of `values` counts; floor and goal are in the scaled unit."""
        values = [value * scale for value in values]
        self.entries[key] = {
            "what": what, "value": statistics.median(values), "least": min(values),
            "most": max(values), "runs": len(values), "unit": unit, "better": better,
            "floor": floor, "goal": goal, "note": note}

    def detail(self, key, runs):
        self.details[key] = runs

    def write(self, path, about):
        path.write_text(json.dumps(
            {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **about,
             "figures": self.entries, "runs": self.details}, indent=1, default=str) + "\n")

    def print_table(self):
        rows = [("", "", "median", "range", "unit", "floor", "goal", "")]
        for entry in self.entries.values():
            rows.append((verdict(entry), entry["what"], number(entry["value"]),
                         f"{number(entry['least'])}..{number(entry['most'])}"
                         if entry["runs"] > 1 else "",
                         entry["unit"], bound(entry, "floor"), bound(entry, "goal"), entry["note"]))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
        for row in rows:
            cells = [cell.rjust(width) if i in (2, 3) else cell.ljust(width)
                     for i, (cell, width) in enumerate(zip(row, widths))]
            print("  ".join([*cells, row[-1]]).rstrip())

    def below_floor(self):
        return [entry["what"] for entry in self.entries.values() if verdict(entry) == "BELOW"]


def reaches(entry, name):
    limit = entry[name]
    return entry["value"] >= limit if entry["better"] == "high" else entry["value"] <= limit


def verdict(entry):
    if entry["floor"] is None:
        return ""
    if not reaches(entry, "floor"):
        return "BELOW"
    return "goal" if entry["goal"] is not None and reaches(entry, "goal") else "floor"


def bound(entry, name):
    return "" if entry[name] is None \
        else (">= " if entry["better"] == "high" else "<= ") + f"{entry[name]:g}"


def number(value):
    for limit, digits in ((100, 0), (10, 1), (0, 2)):
        if abs(value) >= limit:
            return f"{value:.{digits}f}"
    return str(value)
