"""``make new-project``: a project of this repository, made of files/ and of what is asked; the template for new repositories."""
