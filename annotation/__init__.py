"""People's judgement: tasks out, rankings in, aggregation and agreement; Label Studio behind one file."""
