# SPDX-License-Identifier: Apache-2.0
"""Reads OpenMetrics from stdin with the parser of the Prometheus project and prints what it read:
{family: {"type": ..., "samples": [[name, labels, value], ...]}}. Fails on what does not conform."""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = {
    family.name: {
        "type": family.type,
        "unit": family.unit,
        "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
    }
    for family in text_string_to_metric_families(sys.stdin.read())
}
json.dump(families, sys.stdout)
