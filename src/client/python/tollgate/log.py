"""Where this package says what its callers should know and cannot be told by an exception."""

import logging

log = logging.getLogger("tollgate")
