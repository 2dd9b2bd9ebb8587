"""Reads a run's event files as TensorBoard does and prints {tag: [[step, value], ...]} as JSON.

Usage: tensorboard_reference.py FOLDER
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(
    json.dumps(
        {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    )
)
