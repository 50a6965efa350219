"""How labs are made and graded. `nbgrader autograde LAB` in this folder reads it."""

import os
import sys
from pathlib import Path

from nbgrader.converters import Autograde, GenerateFeedback

from helpers.authoring.grading.hide import ForStudents
from helpers.authoring.submission import RequireLabCells

c = get_config()  # noqa: F821 - nbgrader provides it

# nbgrader finds alembic on PATH, where it is not unless this environment is activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

c.CourseDirectory.course_id = "system-design"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
# submitted/, autograded/, feedback/ and gradebook.db stay beside them and out of git.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", ".DS_Store"]

c.ClearSolutions.code_stub = {"python": "# Your code here.\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# Seconds for one cell of a submission; an endless loop ends here and costs its own points only.
c.ExecutePreprocessor.timeout = 60

# A submission that lost its cells' metadata is refused with a message, not graded zero.
c.Autograde.sanitize_preprocessors = [
    RequireLabCells,
    *Autograde.sanitize_preprocessors.default(),
]

# Feedback shows the checks that students have, and nothing that their browser would run.
c.GenerateFeedback.preprocessors = [ForStudents, *GenerateFeedback.preprocessors.default()]
