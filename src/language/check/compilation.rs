use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::language::model::{Message, MessageText};
use crate::source::WorkspaceFiles;
use crate::template::{Compiled, MessageSource, TemplateKind, TemplateProblem, compile};

/// Messages from which on it is worth to share the work among processors.
const SHARED_FROM: usize = 16;

/// The texts of messages as they were compiled, by what they were compiled from, so that what has not changed is not
/// compiled again.
#[derive(Clone, Debug, Default)]
pub struct Compilations(HashMap<u128, Arc<Compilation>>);

/// What compiling a text gave.
#[derive(Debug)]
pub(super) struct Compilation {
    pub(super) result: Result<Compiled, Vec<TemplateProblem>>,
    /// The files that it asked for by their paths, with what stood in them.
    includes: Vec<(String, Option<Arc<str>>)>,
}

/// One text of a message to be compiled: the message, its language, the text.
pub(super) struct Job<'m> {
    pub(super) message: &'m Message,
    pub(super) language: Option<&'m str>,
    pub(super) text: &'m MessageText,
}

/// What the texts of a message, without those for single languages, come to; `None` where they have faults.
pub fn compile_message(files: &WorkspaceFiles, message: &Message) -> Option<Compiled> {
    let compiled = Job { message, language: None, text: &message.text }.compile(files);
    Arc::into_inner(compiled)?.result.ok()
}

impl Compilations {
    fn get(&self, key: u128, files: &WorkspaceFiles) -> Option<&Arc<Compilation>> {
        let same = |(path, text): &(String, Option<Arc<str>>)| text_of(files, path) == *text;
        self.0.get(&key).filter(|known| known.includes.iter().all(same))
    }

    /// Compiles what is not known yet; `only` says whether all else is forgotten.
    pub(super) fn of_all(
        &mut self,
        files: &WorkspaceFiles,
        jobs: &[Job<'_>],
        only: bool,
    ) -> Vec<Arc<Compilation>> {
        let keys: Vec<u128> = jobs.iter().map(|job| job.key(files)).collect();
        let missing: Vec<(u128, &Job<'_>)> =
            keys.iter().copied().zip(jobs).filter(|(key, _)| self.get(*key, files).is_none()).collect();
        let jobs: Vec<&Job<'_>> = missing.iter().map(|(_, job)| *job).collect();
        let compiled = compile_all(files, &jobs);
        self.0.extend(missing.iter().map(|(key, _)| *key).zip(compiled));
        let all: Vec<(u128, Arc<Compilation>)> =
            keys.iter().filter_map(|key| Some((*key, self.0.get(key)?.clone()))).collect();
        if only {
            self.0 = all.iter().cloned().collect();
        }
        all.into_iter().map(|(_, compilation)| compilation).collect()
    }
}

/// Compiles side by side: each text is independent of the others.
pub(super) fn compile_all(files: &WorkspaceFiles, jobs: &[&Job<'_>]) -> Vec<Arc<Compilation>> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if jobs.len() < SHARED_FROM || processors == 1 {
        return jobs.iter().map(|job| job.compile(files)).collect();
    }
    std::thread::scope(|scope| {
        let share = jobs.len().div_ceil(processors);
        let workers: Vec<_> = jobs
            .chunks(share)
            .map(|jobs| scope.spawn(move || jobs.iter().map(|job| job.compile(files)).collect::<Vec<_>>()))
            .collect();
        let done = workers.into_iter().zip(jobs.chunks(share)).flat_map(|(worker, jobs)| {
            // A worker that fell over is done again here, where its fault shows.
            worker.join().unwrap_or_else(|_| jobs.iter().map(|job| job.compile(files)).collect())
        });
        done.collect()
    })
}

impl Job<'_> {
    /// The template file, with its kind.
    fn body(&self, files: &WorkspaceFiles) -> Option<(TemplateKind, Arc<str>)> {
        let path = self.text.template.as_deref()?;
        Some((TemplateKind::of_path(path)?, text_of(files, path)?))
    }

    /// Tells apart all that compiling depends on but the files that the template includes.
    fn key(&self, files: &WorkspaceFiles) -> u128 {
        let mut hasher = SipHasher13::new();
        let MessageText { subject, preheader, template, body } = self.text;
        (subject, preheader, template, body, &self.message.utm).hash(&mut hasher);
        self.body(files).map(|(_, text)| text).hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    fn compile(&self, files: &WorkspaceFiles) -> Arc<Compilation> {
        let body = self.body(files);
        let source = MessageSource {
            subject: self.text.subject.as_deref(),
            preheader: self.text.preheader.as_deref(),
            body: body.as_ref().map(|(kind, text)| (*kind, &**text)),
            text: self.text.body.as_deref(),
            utm: &self.message.utm,
        };
        let asked = RefCell::new(Vec::new());
        let include = |path: &str| {
            let path = beside(self.text.template.as_deref().unwrap_or(""), path);
            let text = text_of(files, &path);
            asked.borrow_mut().push((path, text.clone()));
            text.map(|text| text.to_string())
        };
        let result = compile(&source, &include);
        let includes = asked.into_inner();
        Arc::new(Compilation { result, includes })
    }
}

fn text_of(files: &WorkspaceFiles, path: &str) -> Option<Arc<str>> {
    files.templates.get(path).map(|id| files.sources.get(*id).text.clone())
}

/// The path of a file that another names, from the folder of that other; what leads out of the workspace names
/// nothing.
pub(super) fn beside(other: &str, path: &str) -> String {
    let mut steps: Vec<&str> = other.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            ".." => {
                if steps.pop().is_none() {
                    return String::new();
                }
            }
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}
