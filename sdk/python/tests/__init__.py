# SPDX-License-Identifier: Apache-2.0
"""The client's tests. They run against the source tree, installed or not:

    cd sdk/python && python3 -m unittest

They need no network, no server and no packages, and never sleep.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "src"))
