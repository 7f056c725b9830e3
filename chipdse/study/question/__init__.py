"""The content of a sweep file: block, parameters, rules, objectives and limits."""
