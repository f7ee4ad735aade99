"""Language models: one provider a file, all behind `llm.base.LanguageModel`."""
