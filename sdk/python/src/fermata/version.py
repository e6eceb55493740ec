# SPDX-License-Identifier: Apache-2.0
"""The client's version, in one place: read by the packaging and sent as User-Agent.

It must import nothing, so that the packaging can read it without running the client.
"""

VERSION = "0.1.0"
