"""What a sweep file asks: block, parameters, rules, objectives and limits."""
