"""The pages of releases, thin: a selector, a verdict, a service, a template."""
