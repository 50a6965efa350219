"""Chapter 07: what copies of the same data promise, judged by what their clients saw.

One experiment a file; nothing here is imported for you.
"""
