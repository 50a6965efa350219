"""Pictures of the chapter: results and axes in, drawn axes out."""
