"""Numbers out of JSON that anybody may have written."""

from gptdesk.bounded_read import LARGEST_WHOLE, number, whole

__all__ = ["LARGEST_WHOLE", "number", "whole"]
